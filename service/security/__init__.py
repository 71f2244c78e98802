"""Who may call what: tokens, Host and Origin, the scope of every route, the size of every body."""
