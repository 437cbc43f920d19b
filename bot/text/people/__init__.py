"""Names of people: parsing, normal forms and similarity."""
