"""One look for every picture and page that carpal makes: the palette, the plot style, the self-contained page.

Needs the extra ``carpal[report]`` (matplotlib, jinja2). Nothing else in carpal imports this package.
"""
