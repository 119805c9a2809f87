"""Maps as loops: what a map does to its arrays, recorded, written as one function in C, compiled and kept."""
