"""Who paints: the embedded animatic, or Deforum."""
