"use strict";
// The parts of the page, each of which does nothing where it has nothing to show.

MainTable.start();
Curve.start();
Questions.start();
openTarget();
