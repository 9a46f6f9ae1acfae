"""What `office_day.py` and the end-to-end tests share: a network, machines on it, and a history."""
