"""A function to be compiled by the tests; numba wants it in a file."""


def doubled(number):
    return 2 * number
