"""Painting a part of a video again without losing what is there: takes, and how they change places.

Conventions
-----------
The picture of a project is a row of segments (:mod:`lib_music.project`), every section begins with one. To paint
frames ``[first, last)`` again, what is there is put aside as ``takes/001``, ``takes/002``, ...: its segments, the
pictures that Deforum painted for them, and a small ``take.json``. A number is never given twice. Restoring a take puts
aside what is there now, as a take of its own; only the person's word deletes one.

All changes hold the project's lock and have one moment at which they count: the writing of ``progress.json``. What was
prepared before it, and what is left to be moved after it, is told by names: ``takes/.NNN.part`` becomes ``takes/NNN``,
``segments/F.next`` becomes ``segments/F.seg``, ``.moving`` in a take says that pictures are still on their way. See
:func:`~lib_music.takes.splice.recover`, which is done first by everybody who changes anything; it may be stopped and
done again at any point.
"""

from lib_music.takes.splice import put_aside, recover, restore
from lib_music.takes.take import Take, find_take, takes_of

__all__ = ["Take", "find_take", "put_aside", "recover", "restore", "takes_of"]
