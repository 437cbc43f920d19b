"""Elements that both digest formats share: arXiv ids, dates, headings, labelled fields, refusals."""
