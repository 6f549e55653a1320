"""What the programs of the surfaces ask, and where: as ``prompt``, on an address of this environment."""

import os

from prompt import QUESTIONS, SYSTEM

BASE = os.environ["SURFACES_URL"]
GPT, CLAUDE = "openai.gpt-5.6-luna", "anthropic.claude-sonnet-5"


def get_weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: The name of the city.
    """
    return f"It rains in {city}."


WEATHER = "What is the weather in Paris?"
__all__ = ["BASE", "CLAUDE", "GPT", "QUESTIONS", "SYSTEM", "WEATHER", "get_weather"]
