"""Of all tests: what hypothesis draws is judged by what comes out, not by how busy the machine is."""

from hypothesis import settings

settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")
