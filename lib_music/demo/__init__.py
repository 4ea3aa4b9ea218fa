"""The demo's song and cover, made in code: something of our own to show, and music of known truth."""
