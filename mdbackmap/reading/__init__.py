"""What MDAnalysis' readers leave out: formats, several frames in text files, files that are cut off."""
