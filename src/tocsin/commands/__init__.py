"""The subcommands of `python -m tocsin`; nothing else imports them."""
