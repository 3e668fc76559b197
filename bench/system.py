class System: pass
