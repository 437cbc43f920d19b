"""Turns counted term pairs into concepts with their forms and senses."""
