"""The wording of posts: sandboxed jinja2 templates, their filters, and the texts made from them."""
