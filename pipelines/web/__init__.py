"""The web page and its JSON API: the same questions as the commands, asked in a browser.

``app`` puts everything together; ``queries`` is the only module that asks a store; ``pages`` holds
one module for each page, ``api`` the JSON API, ``security`` accounts, sessions and headers,
``templates`` and ``translations`` what people read, ``static`` what a browser loads.
"""
