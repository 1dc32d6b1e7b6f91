"""What pages of ours in a browser share: the guard before them, their files, their look."""
