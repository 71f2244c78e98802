"""Work on files of users in processes of their own, under limits."""
