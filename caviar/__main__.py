"""`python -m caviar` is the command `caviar`."""

from caviar.cli import main

if __name__ == "__main__":
    main()
