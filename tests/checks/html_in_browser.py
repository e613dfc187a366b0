#!/usr/bin/python3
"""Opens the HTML report in headless Chromium: a picture, no error in the console, dark and light, no
overflow on a phone, nothing asked of a network.

Usage: html_in_browser.py PROGRAM MODEL... [--picture FILE]
Exits 77 where there is no Chromium (Debian: chromium).
"""
import html
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

PHONE = 390  # CSS pixels


def browse(browser, folder, page, *flags):
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
        "--no-first-run", "--enable-logging=stderr", f"--user-data-dir={folder}/profile", *flags, f"file://{page}",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def console_errors(result):
    return [line for line in result.stderr.splitlines() if ":CONSOLE" in line]


def first_pixel(png):
    """In the first row nothing is left of it or above it, so that every filter leaves it as it is."""
    with open(png, "rb") as file:
        data = file.read()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        sys.exit(f"{png} is no PNG")
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        packed += data[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    return tuple(zlib.decompress(packed)[1:4])


def picture(browser, folder, page, name, *flags):
    target = os.path.join(folder, name)
    result = browse(browser, folder, page, f"--screenshot={target}", "--window-size=1000,1400", *flags)
    if not os.path.exists(target):
        sys.exit(f"no picture was made:\n{result.stderr}")
    return target, console_errors(result)


def width_on_phone(browser, folder, text):
    """Of the report in a frame as wide as a phone, by a script of the page around it."""
    page = os.path.join(folder, "phone.html")
    with open(page, "w", encoding="utf-8") as file:
        file.write(
            f'<iframe id="f" style="width:{PHONE}px;height:800px;border:0" srcdoc="{html.escape(text)}"></iframe>'
            "<script>document.getElementById('f').onload = function () { document.body.dataset.width ="
            " this.contentDocument.documentElement.scrollWidth; };</script>"
        )
    result = browse(browser, folder, page, "--dump-dom", "--virtual-time-budget=5000")
    marker = 'data-width="'
    at = result.stdout.rfind(marker)
    if at < 0:
        sys.exit(f"the width was not measured:\n{result.stderr}")
    return int(result.stdout[at + len(marker) :].split('"')[0])


def check(browser, program, model, folder):
    page = os.path.join(folder, "report.html")
    subprocess.run([program, "certify", model, "--quiet", "--html", page], check=True, capture_output=True)
    with open(page, encoding="utf-8") as file:
        text = file.read()
    light, errors = picture(browser, folder, page, "light.png", "--blink-settings=preferredColorScheme=1")
    dark, more = picture(browser, folder, page, "dark.png", "--blink-settings=preferredColorScheme=0")
    problems = errors + more
    if sum(first_pixel(light)) < 3 * 200 or sum(first_pixel(dark)) > 3 * 80:
        problems.append(f"background {first_pixel(light)} in light, {first_pixel(dark)} in dark mode")
    width = width_on_phone(browser, folder, text)
    if width > PHONE:
        problems.append(f"{width} pixels wide on a phone of {PHONE}")
    problems += [f"asks for {word}" for word in ("src=", "http://", "@import", "<script") if word in text]
    return problems, light


def main():
    program, *models = sys.argv[1:]
    keep = None
    if "--picture" in models:
        keep = models[models.index("--picture") + 1]
        models = models[: models.index("--picture")]
    browser = shutil.which("chromium")
    if browser is None:
        print("skipped: chromium is not installed (Debian package chromium)")
        sys.exit(77)
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        bad = os.path.join(folder, "bad.html")
        with open(bad, "w", encoding="utf-8") as file:
            file.write("<script>console.error('x'); undefined_name();</script>")
        if not picture(browser, folder, bad, "bad.png")[1]:
            sys.exit("an error in the console is not found")
        for model in models:
            problems, light = check(browser, program, model, folder)
            failed = failed or bool(problems)
            for problem in problems:
                print(f"{model}: {problem}")
            if keep:
                shutil.copy(light, keep)
    sys.exit(1 if failed else 0)


main()
