// The unit of measure: what a program costs that does nothing.
return 0;
