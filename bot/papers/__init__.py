"""Lists and cards of papers, which several features and the web archive show."""
