//! Search documents, and the engines that hold them.
