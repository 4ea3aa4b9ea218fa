"""The page: gradio only, no host.

``tab.py`` lays it out, ``handlers.py`` is what its buttons do, ``compat.py`` holds every difference between gradio 3.41
and 4.40, ``serve.py`` opens it without a WebUI.
"""
