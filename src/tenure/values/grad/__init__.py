"""Gradients: the backward walk over traces and segments, handlers of cotangents, replays, vmapped calls."""
