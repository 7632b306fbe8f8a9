"""The recurrent cells compared: what is trained, what is measured, and the page that shows it.

plan -> runs -> results -> page, pictures
"""
