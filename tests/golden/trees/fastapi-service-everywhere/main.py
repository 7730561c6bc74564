import gc

from backend.application import create_app

app = create_app()
gc.freeze()  # what is loaded by now stays: the collector need not look at it time and again
