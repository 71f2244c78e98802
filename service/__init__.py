"""The server: REST, store, use cases, agents, engines, dashboard."""
