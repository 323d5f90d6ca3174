#pragma once

#include "nodevigil/scoring/model.h"
#include "nodevigil/train/cart.h"

namespace nodevigil {

/// Gives `model`, which has its names, classes and features already, the nodes and leaves of a tree
/// whose features and classes count in these. Probabilities are the shares of the classes in
/// thousandths, so that people can read them; of a leaf they sum to 1.
void put_tree(const CartTree& tree, Model& model);

}  // namespace nodevigil
