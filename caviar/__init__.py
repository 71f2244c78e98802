"""What users import and type: Client and the command line."""
