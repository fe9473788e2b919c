"""What turns need of the outside world, asked together with the other turns that run beside them.

Every class fits the port that turns know, and answers as the adapter behind it would; what it is asked goes along in
the next round (`rounds`). So a turn among five hundred takes the same steps as one alone, and what the protocol
promises of it holds; only requests are fewer.
"""
