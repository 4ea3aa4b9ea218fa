"""From a composition to sound: the soundfont player, our own synths, drum kits, guitars, voices and the mix."""
