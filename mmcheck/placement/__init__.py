"""The cheapest placement of barriers that is right, with a proof (``mmcheck place``).

`sites` finds where a choice is, `options` what the choices are, `problem` builds one program per target in which they
are open, `oracle` asks the checker, `replay` judges a run again under other choices, `master` proposes, `search` is the
loop, `findings` says what that means for the file, `edits` changes its text.
"""
