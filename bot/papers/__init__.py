"""Lists, cards and trends of papers, which several features and the web archive show."""
