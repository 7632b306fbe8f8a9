"""The recurrent cells compared: what is trained, what is measured, and the page that shows it.

`plan` says what is trained, `runs` trains it, `results` keeps the figures, `page` and `pictures` show them.
"""
