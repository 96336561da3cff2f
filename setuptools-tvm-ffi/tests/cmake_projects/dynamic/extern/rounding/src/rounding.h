#pragma once

long round_up(long value, long step);
