"""What annotated files hold and what is wrong with them, before anything is trained.

`nerve data` prints it all; every training begins with it.
"""
