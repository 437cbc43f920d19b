"""What every interaction shares: routing of components, responses, autocomplete and error messages."""
