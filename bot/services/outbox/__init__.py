"""Delivers planned posts: `relay` claims parts, `attempt` runs one, `discord_errors` classifies the answer, `throttle` delays
retries, `outcomes` records the result, `suspension` pauses a destination. Protocol: docs/delivery.md.
"""
