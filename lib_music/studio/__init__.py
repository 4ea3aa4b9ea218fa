"""The page's logic: what its buttons do, without gradio and without a host.

``ui/`` draws it, ``webui/`` gives it a host; everything in here runs and is tested without either.
"""
