"""The wording of posts: sandboxed jinja2 templates that operators can replace, and their filters."""
