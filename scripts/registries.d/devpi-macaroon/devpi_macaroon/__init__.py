"""Lets a devpi index take uploads by macaroon, as the public Python index does, but narrowed ones only.

Whoever logs in as `__token__` with a token that `judge` accepts for the project being uploaded becomes
a member of the group `macaroon-holders`, which the index's `acl_upload` names. Every judgement is
appended to the log named in the settings; the tokens themselves never are.
"""

__version__ = "0.1.0"
