"""Text analysis in Korean and English: words, names, dates, questions, keywords. No I/O."""
