"""The WebUI runs this file when it starts and at every Reload UI; all the rest is in ``lib_music``.

It is the only file in this folder, as the WebUI runs every one, and holds nothing but the call: what it defines is made
anew each time, while modules stay.
"""

from lib_music.webui.register import register

register(__file__)
