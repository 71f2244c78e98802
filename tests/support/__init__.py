"""Helpers of tests.

stores: a store with a clock that the test moves. simulated_agents: agents on simulated time, on such a store.
inprocess: the application on a thread of the test; inprocess_agents: real agents that talk to it.
commandline: the command line as typed. server_process: a server to kill, stall and start again;
scripted_agent: an agent of it that says what the test wants. page_server: a server for Chromium.
scenario, flooding: what other processes of a test do. naive: slow twins of the trainer.
"""
