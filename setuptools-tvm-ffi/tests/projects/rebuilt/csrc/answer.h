#pragma once

#define ANSWER 42
