"""What is deployed: one archive with our code and its packages, made here for the machine that runs it in Azure.

Duty: say what ships, and make it, the same bytes every time. Sending it to Azure is left to the tools that do it.
"""
