"""Classifying names with a hand-written character RNN and parameters updated by hand."""

import random

import numpy as np
import torch
import torch.nn as nn
from start import start

letters = "abcdefghijklmnopqrstuvwxyz"
names = {0: ["anna", "maria", "lena"], 1: ["ivan", "boris", "oleg"], 2: ["kenji", "hiro", "akira"]}


def letterToIndex(letter):
    return letters.find(letter)


def lineToTensor(line):
    tensor = torch.zeros(len(line), 1, len(letters))
    for li, letter in enumerate(line):
        tensor[li][0][letterToIndex(letter)] = 1
    return tensor


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, input, hidden):
        combined = torch.cat((input, hidden), 1)
        hidden = torch.tanh(self.i2h(combined))
        output = self.softmax(self.h2o(hidden))
        return output, hidden

    def initHidden(self):
        return torch.zeros(1, self.hidden_size)


random.seed(0)
np.random.seed(0)
rnn = start(RNN(len(letters), 16, 3))
criterion = nn.NLLLoss()
learning_rate = 0.05


def train(category_tensor, line_tensor):
    hidden = rnn.initHidden()
    rnn.zero_grad()
    for i in range(line_tensor.size()[0]):
        output, hidden = rnn(line_tensor[i], hidden)
    loss = criterion(output, category_tensor)
    loss.backward()
    for p in rnn.parameters():
        p.data.add_(p.grad.data, alpha=-learning_rate)
    return output, loss.item()


for step in range(24):
    category = step % 3
    line = random.choice(names[category])
    output, loss = train(torch.tensor([category], dtype=torch.long), lineToTensor(line))
    top_n, top_i = output.topk(1)
    print(step, line, f"{loss:.5f}", top_i[0].item(), "right" if top_i[0].item() == category else "wrong")
