"""Music Visualizer: a song goes in on the left, a music video comes out on the right.

Every stage is a plain function from one frozen value to the next::

    track -> analysis -> prompts -> schedule -> render -> video

Imports point left only. Time is seconds until :class:`lib_music.schedule.timebase.Timebase`,
the one place where seconds become frames. Importing the package is cheap: numpy, scipy, OpenCV
and Pillow are imported by the modules that use them, librosa and gradio by none of the core.
"""

__version__ = "0.1.0"
