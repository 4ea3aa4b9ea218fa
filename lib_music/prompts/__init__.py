"""What to paint, and when: captions, palette, text, storyboard."""
