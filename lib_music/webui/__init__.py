"""The only place that knows the WebUI: what imports its ``modules`` or Deforum's code lies here.

Conventions: the host's modules are imported inside functions, when they are needed, so that each of these files can be
imported anywhere; forks differ by what they have, never by their name.
"""
