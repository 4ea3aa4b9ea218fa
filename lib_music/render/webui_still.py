"""One picture painted by a WebUI over HTTP, through its ``/sdapi/v1/txt2img`` (it must run with ``--api``).

Conventions: as in :mod:`lib_music.render.deforum_client`: no request outlasts a proxy's patience, credentials stay in
the environment.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lib_music.errors import DeforumError, Interrupted

if TYPE_CHECKING:
    from lib_music.render.still import Still

_PNG = b"\x89PNG\r\n\x1a\n"


def remote_still(url: str, still: Still, should_stop: Callable[[], bool], *, client: Any = None) -> bytes:
    """A PNG of the WebUI at ``url``, with its infotext inside.

    Raises
    ------
    DeforumError
        It cannot be reached, has no ``--api``, refuses, or answers something else.
    Interrupted
        ``should_stop`` said so before the picture was asked for.
    """
    from lib_music.render.deforum_client import WebuiClient

    if should_stop():
        raise Interrupted("stopped before the picture", "start it again")
    asked = {
        "prompt": still.prompt,
        "negative_prompt": still.negative,
        "seed": still.seed,
        "width": still.width,
        "height": still.height,
        "sampler_name": still.sampler,
        "steps": still.steps,
        "cfg_scale": still.cfg_scale,
        "save_images": False,
    }
    # Asked once: a picture whose answer was lost has been painted all the same.
    answer = (client or WebuiClient(url)).request("POST", "/sdapi/v1/txt2img", patience=0, json=asked)
    if answer.status == 404:
        raise DeforumError("the WebUI has no /sdapi/v1/txt2img", "start it with --api")
    if not answer.ok:
        detail = answer.json({})
        said = str(detail.get("detail", "") if isinstance(detail, dict) else "")[:200]
        raise DeforumError(f"the WebUI refused the picture ({answer.status}) {said}".strip(), "see its console")
    return _first_picture(answer.json())


def _first_picture(found: Any) -> bytes:
    try:
        picture = base64.b64decode(found["images"][0].partition(",")[2] or found["images"][0], validate=True)
    except (TypeError, KeyError, IndexError, AttributeError, binascii.Error) as error:
        raise DeforumError("the WebUI's answer holds no picture", "see its console") from error
    if not picture.startswith(_PNG):
        raise DeforumError("the WebUI's picture is no PNG", "set Settings > Saving images > File format to png")
    return picture
