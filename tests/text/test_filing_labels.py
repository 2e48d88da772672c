"""Where the items of real filings begin, labelled by reading them.

A label is an item and the line of its heading in the filing's visible text, counted from 1; the
last number is the line at which the last item is over. The text itself isn't kept here.
"""

import gzip
import re
from functools import cache

import pytest

from finstrat.text.filing import parse_filing
from finstrat.text.visible import visible_lines

LABELS = {
    "Apple.10-Q.html": (
        "I-1:88 I-2:515 I-3:656 I-4:658 II-1:665 II-1A:674 II-2:677 II-3:696 II-4:698 II-5:700 "
        "II-6:704 723"
    ),
    "Apple.8-K.md": "2.02:42 9.01:45 51",
    "BuckleInc.8-K.EX99.1.html": "",
    "Nvidia.10-K.html": (
        "1:136 1A:306 1B:543 2:545 3:549 4:551 5:554 6:581 7:584 7A:822 8:838 9:840 9A:844 "
        "9B:855 9C:857 10:863 11:876 12:878 13:885 14:887 15:892 16:2181 2184"
    ),
    "Oracle.10-Q.html": (
        "I-1:143 I-2:1384 I-3:2254 I-4:2256 II-1:2263 II-1A:2265 II-2:2267 II-6:2316 2361"
    ),
    "Oracle.8-K.html": "5.07:45 82",
    "aapl-10-k-2024-11-01.html": (
        "1:140 1A:206 1B:334 1C:336 2:342 3:344 4:353 5:357 6:386 7:388 7A:526 8:549 9:1239 "
        "9A:1241 9B:1255 9C:1259 10:1262 11:1265 12:1267 13:1269 14:1271 15:1275 16:1497 1500"
    ),
    "abbv-10-k-2025-02-14.html": (
        "1:139 1A:340 1B:487 1C:489 2:507 3:525 4:527 5:563 6:619 7:622 7A:997 8:1016 9:2512 "
        "9A:2514 9B:2543 9C:2570 10:2575 11:2580 12:2584 13:2612 14:2614 15:2619 16:2797 2801"
    ),
    "ba-10-q-2025-07-29.html": (
        "I-1:148 I-2:1151 I-3:1493 I-4:1497 II-1:1505 II-1A:1507 II-2:1530 II-3:1555 II-4:1557 "
        "II-5:1559 II-6:1563 1597"
    ),
    "googl-10-k-2025-02-05.html": (
        "1:173 1A:292 1B:494 1C:496 2:505 3:507 4:509 5:515 6:561 7:565 7A:976 8:1012 9:2242 "
        "9A:2244 9B:2254 9C:2268 10:2274 11:2277 12:2279 13:2281 14:2283 15:2289 16:2537 2542"
    ),
    "hd-10-k-2025-03-21.html": (
        "1:174 1A:313 1B:436 1C:441 2:458 3:520 4:525 5:531 6:568 7:569 7A:745 8:755 9:1987 "
        "9A:1992 9B:2025 9C:2027 10:2030 11:2047 12:2049 13:2054 14:2056 15:2059 16:2268 2273"
    ),
    "ibm-10-k-2025-02-25.html": (
        "1:139 1A:188 1B:246 1C:248 2:264 3:268 4:270 5:275 6:306 7:307 7A:309 8:311 9:313 "
        "9A:315 9B:321 9C:323 10:328 11:330 12:332 13:391 14:393 15:398 16:557 562"
    ),
    "ibm-10-q-2025-07-24.html": (
        "I-1:99 I-2:1798 I-4:2837 II-1:2842 II-2:2844 II-5:2868 II-6:2881 2904"
    ),
    "jnj-10-q-2025-07-24.html": (
        "I-1:141 I-2:1512 I-3:1971 I-4:1973 II-1:1983 II-2:1985 II-5:2012 II-6:2014 2030"
    ),
    "ko-10-k-2025-02-20.html": (
        "1:145 1A:276 1B:406 1C:408 2:422 3:438 4:475 X:478 5:501 6:536 7:537 7A:962 8:978 "
        "9:2780 9A:2782 9B:2789 9C:2793 10:2796 11:2798 12:2800 13:2803 14:2805 15:2808 16:3237 "
        "3240"
    ),
    # Headings run at the top of every page, and each part has a table of contents.
    "ma-10-k-2025-02-12.html": (
        "1:197 1A:571 1B:804 1C:806 2:842 3:845 4:847 5:977 6:1016 7:1019 7A:1479 8:1492 9:2859 "
        "9A:2862 9B:2871 9C:2895 10:2905 11:2908 12:2910 13:2912 14:2914 15:2921 16:2930 3095"
    ),
    # The statements of Item 1 stand there without a heading.
    "nflx-10-q-2025-07-18.html": (
        "I-2:899 I-3:1235 I-4:1250 II-1:1257 II-1A:1261 II-2:1263 II-5:1279 II-6:1288 1320"
    ),
    "nvda-10-k-2025-02-26.html": (
        "1:141 1A:299 1B:560 1C:562 2:574 3:576 4:578 5:581 6:617 7:620 7A:842 8:856 9:858 "
        "9A:860 9B:873 9C:885 10:889 11:904 12:906 13:911 14:913 15:918 16:2104 2107"
    ),
    "nvda-10-q-2025-08-27.html": (
        "I-1:92 I-2:771 I-3:961 I-4:970 II-1:979 II-1A:981 II-2:1038 II-5:1062 II-6:1072 1100"
    ),
    "parity_10-K_0000950153-99-001234.html": (
        "1:31 2:217 3:221 4:223 5:226 6:228 7:230 7A:232 8:235 9:237 10:240 11:241 12:242 "
        "13:243 14:246 354"
    ),
    "parity_10-K_0001376474-16-000635.html": (
        "1:95 1A:300 1B:302 2:304 3:306 4:314 5:317 6:376 7:378 7A:457 8:459 9:461 9A:463 "
        "9B:470 10:472 11:506 12:508 13:510 14:606 15:619 650"
    ),
    "parity_8-K_0000887919-21-000012.html": "8.01:45 9.01:51 53",
    "parity_8-K_0001437749-16-028287.html": "2.02:33 9.01:36 40",
    "pg-10-k-2025-08-04.html": (
        "1:168 1A:201 1B:268 1C:270 2:284 3:286 4:291 5:337 6:373 7:374 7A:789 8:792 9:1838 "
        "9A:1842 9B:1850 9C:1854 10:1857 11:1860 12:1863 13:1888 14:1890 15:1893 16:2018 2021"
    ),
    "tsla-10-q-2025-07-24.html": (
        "I-1:99 I-2:830 I-3:993 I-4:998 II-1:1007 II-1A:1009 II-2:1014 II-3:1016 II-4:1018 "
        "II-5:1020 II-6:1025 1051"
    ),
    "unh-10-k-2025-02-27.html": (
        "1:126 1A:271 1B:382 1C:386 2:397 3:399 4:401 5:404 6:429 7:432 7A:715 8:749 9:1874 "
        "9A:1876 9B:1905 9C:1908 10:1911 11:1942 12:1944 13:1970 14:1972 15:1977 16:2275 2279"
    ),
    "unp-10-q-2025-07-24.html": (
        "I-1:104 I-2:642 I-3:921 I-4:923 II-1:929 II-1A:937 II-2:941 II-3:960 II-4:962 II-5:964 "
        "II-6:966 989"
    ),
    "wmt-10-k-2025-03-14.html": (
        "1:170 1A:298 1B:434 1C:436 2:456 3:501 4:516 5:520 6:562 7:564 7A:892 8:923 9:1820 "
        "9A:1822 9B:1831 9C:1834 10:1838 11:1844 12:1846 13:1848 14:1850 15:1854 16:1951 1954"
    ),
}

BETWEEN = re.compile(r"(?i)(part [iv]+.*|table of contents|[-\W]*\w{0,4}[-\W]*|item \d.*|.*10-K.*)")
"""What may lie between the end of one item and the heading of the next."""


@cache
def parsed(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return parse_filing(file.read())


@pytest.mark.parametrize("name", LABELS)
def test_items_begin_and_end_where_a_reader_says(shared_data, name):
    filing = parsed(shared_data / "sec" / "filings" / f"{name}.gz")
    *starts, last = LABELS[name].split() or [None]
    found = [f"{item.key}:{filing.text.count(chr(10), 0, item.start) + 1}" for item in filing.items]
    assert found == starts
    lines = filing.text.splitlines()
    ends = [filing.text.count("\n", 0, item.end) + 1 for item in filing.items]
    nexts = [int(start.partition(":")[2]) for start in starts[1:]] + ([int(last)] if last else [])
    for end, after in zip(ends, nexts, strict=True):
        assert all(BETWEEN.fullmatch(line) for line in lines[end - 1 : after - 1])


def test_every_real_filing_is_parsed(shared_data):
    files = sorted((shared_data / "sec" / "filings").iterdir())
    assert len(files) >= 29
    for path in files:
        filing = parsed(path)
        assert filing.form in path.name.upper() or filing.form == "other"
        assert bool(filing.items) == (filing.form != "other")
        assert filing.text == visible_lines(filing.text).text
        for item in filing.items:
            assert 0 <= item.start < item.end <= len(filing.text)
